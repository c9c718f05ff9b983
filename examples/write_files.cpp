// SPDX-License-Identifier: Apache-2.0
// Files become a layer, written by a C++ program: handles are freed by their owners, and a failure
// is an exception. The layer is not a tar here but the bytes of the files, one after the other.
// Usage: write_files REPOSITORY FILE...
//
// c++ write_files.cpp -o write_files $(pkg-config --cflags --libs layerpipe)
#include <layerpipe.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

struct Failure : std::runtime_error {
    explicit Failure(const lpipe_error &error)
        : std::runtime_error(error.message), exit_status(lpipe_status_exit_code(error.status))
    {
    }
    int exit_status;
};

// Calls a function of the library and throws if it fails.
template <typename Function, typename... Args> void call(Function function, Args... args)
{
    lpipe_error error;
    if (function(args..., &error) != 0) {
        throw Failure(error);
    }
}

template <auto Free> struct Deleter {
    template <typename Object> void operator()(Object *object) const
    {
        (void)Free(object);
    }
};

// A function of the library has the same name.
using LayerResult = struct lpipe_layer_result;
using Client = std::unique_ptr<lpipe_client, Deleter<lpipe_client_free>>;
using Reference = std::unique_ptr<lpipe_ref, Deleter<lpipe_ref_free>>;

// A layer that is written. Without finish() the upload is abandoned when the object goes out of
// scope.
class Layer
{
  public:
    Layer(const Client &client, const Reference &repository, const lpipe_layer_options &options)
    {
        lpipe_writer *writer = nullptr;
        call(lpipe_writer_open, client.get(), repository.get(), &options, &writer);
        writer_.reset(writer);
    }
    void write(const char *data, size_t size)
    {
        call(lpipe_writer_write, writer_.get(), data, size); // waits while buffers are full
    }
    LayerResult finish()
    {
        LayerResult result = LPIPE_LAYER_RESULT_INIT;
        call(lpipe_writer_finish, writer_.get(), &result);
        return result;
    }

  private:
    std::unique_ptr<lpipe_writer, Deleter<lpipe_writer_free>> writer_;
};

void copy_file(const char *name, Layer &layer)
{
    std::ifstream file(name, std::ios::binary);
    std::vector<char> block(65536);
    if (!file) {
        throw std::runtime_error(std::string(name) + " cannot be opened");
    }
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
        layer.write(block.data(), static_cast<size_t>(file.gcount()));
    }
}

LayerResult write_files(const char *repository_name, const std::vector<const char *> &names)
{
    lpipe_ref *repository = nullptr;
    call(lpipe_repository_parse, repository_name, &repository);
    Reference owned_repository(repository);
    lpipe_client *client = nullptr;
    call(lpipe_client_new, nullptr, &client);
    Client owned_client(client);
    lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    options.flags = LPIPE_LAYER_RAW;
    options.compress = "zstd";
    Layer layer(owned_client, owned_repository, options); // freed before the client
    for (const char *name : names) {
        copy_file(name, layer);
    }
    return layer.finish();
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: write_files REPOSITORY FILE...\n";
        return 2;
    }
    try {
        std::cout << write_files(argv[1], { argv + 2, argv + argc }).digest << "\n";
        return 0;
    } catch (const Failure &failure) {
        std::cerr << "write_files: " << failure.what() << "\n";
        return failure.exit_status;
    } catch (const std::exception &failure) {
        std::cerr << "write_files: " << failure.what() << "\n";
        return 1;
    }
}
