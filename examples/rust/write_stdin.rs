// SPDX-License-Identifier: Apache-2.0
//! stdin becomes a layer, written by a Rust program. Handles are freed when their owners are dropped.
//! Usage: write_stdin REPOSITORY
//!
//! The declarations in `ffi` are those that this program needs. `bindgen` makes all of them:
//! bindgen layerpipe.h --allowlist-function 'lpipe_.*' --allowlist-type 'lpipe_.*'
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::io::Read;
use std::ptr;

pub mod ffi {
    use super::*;

    #[repr(C)]
    pub struct LpipeError {
        pub status: i32,
        pub sys_errno: i32,
        pub http_status: i32,
        pub flags: u32,
        pub offset: u64,
        pub registry_code: [c_char; 48],
        pub message: [c_char; 512],
        pub reserved: [u64; 4],
    }

    #[repr(C)]
    pub struct LpipeAnnotation {
        pub key: [c_char; 64],
        pub value: [c_char; 160],
    }

    #[repr(C)]
    pub struct LpipeLayerResult {
        pub struct_size: usize,
        pub media_type: [c_char; 128],
        pub digest: [c_char; 144],
        pub diff_id: [c_char; 144],
        pub size: u64,
        pub uncompressed_size: u64,
        pub origin: c_int,
        pub memory_bytes: u64,
        pub reserved: [u64; 4],
        pub annotation_count: usize,
        pub annotations: [LpipeAnnotation; 4],
    }

    #[link(name = "layerpipe")]
    extern "C" {
        pub fn lpipe_repository_parse(text: *const c_char, ret_ref: *mut *mut c_void, err: *mut LpipeError) -> c_int;
        pub fn lpipe_ref_free(reference: *mut c_void) -> *mut c_void;
        pub fn lpipe_client_new(options: *const c_void, ret_client: *mut *mut c_void, err: *mut LpipeError) -> c_int;
        pub fn lpipe_client_free(client: *mut c_void) -> *mut c_void;
        pub fn lpipe_writer_open(
            client: *mut c_void, dest: *const c_void, options: *const c_void, ret_writer: *mut *mut c_void,
            err: *mut LpipeError,
        ) -> c_int;
        pub fn lpipe_writer_write(writer: *mut c_void, data: *const c_void, size: usize, err: *mut LpipeError) -> c_int;
        pub fn lpipe_writer_finish(
            writer: *mut c_void, ret_result: *mut LpipeLayerResult, err: *mut LpipeError,
        ) -> c_int;
        pub fn lpipe_writer_free(writer: *mut c_void) -> *mut c_void;
        pub fn lpipe_status_exit_code(status: c_int) -> c_int;
    }
}

/// A failure: the exit status of the layerpipe command for it, and one line.
struct Failure(i32, String);

fn text_of(field: &[c_char]) -> String {
    // SAFETY: the library ends every text with NUL.
    unsafe { CStr::from_ptr(field.as_ptr()) }.to_string_lossy().into_owned()
}

/// Calls a function of the library, which gets an error value.
fn call(function: impl FnOnce(*mut ffi::LpipeError) -> c_int) -> Result<(), Failure> {
    // SAFETY: all bits zero is a value of this struct.
    let mut error: ffi::LpipeError = unsafe { std::mem::zeroed() };
    match function(&mut error) {
        0 => Ok(()),
        // SAFETY: any number may be given.
        status => Err(Failure(unsafe { ffi::lpipe_status_exit_code(status) }, text_of(&error.message))),
    }
}

/// Owns a handle of the library.
struct Handle(*mut c_void, unsafe extern "C" fn(*mut c_void) -> *mut c_void);

impl Handle {
    fn new(
        free: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
        make: impl FnOnce(*mut *mut c_void, *mut ffi::LpipeError) -> c_int,
    ) -> Result<Handle, Failure> {
        let mut handle = ptr::null_mut();
        call(|error| make(&mut handle, error))?;
        Ok(Handle(handle, free))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is of the type that the function frees, and is freed once.
        unsafe { (self.1)(self.0) };
    }
}

fn write_stdin(repository: &CStr) -> Result<String, Failure> {
    // SAFETY (of this function): pointers are of the library or of live values; strings end with NUL.
    let dest = Handle::new(ffi::lpipe_ref_free, |ret, error| unsafe {
        ffi::lpipe_repository_parse(repository.as_ptr(), ret, error)
    })?;
    let client = Handle::new(ffi::lpipe_client_free, |ret, error| unsafe {
        ffi::lpipe_client_new(ptr::null(), ret, error)
    })?;
    // It is dropped first: without finish the upload is abandoned.
    let writer = Handle::new(ffi::lpipe_writer_free, |ret, error| unsafe {
        ffi::lpipe_writer_open(client.0, dest.0, ptr::null(), ret, error)
    })?;
    let mut block = vec![0u8; 65536];
    loop {
        let size = std::io::stdin().read(&mut block).map_err(|error| Failure(3, error.to_string()))?;
        if size == 0 {
            break;
        }
        call(|error| unsafe { ffi::lpipe_writer_write(writer.0, block.as_ptr().cast(), size, error) })?;
    }
    // SAFETY: all bits zero is a value of this struct; struct_size says which version it is.
    let mut result: ffi::LpipeLayerResult = unsafe { std::mem::zeroed() };
    result.struct_size = std::mem::size_of::<ffi::LpipeLayerResult>();
    call(|error| unsafe { ffi::lpipe_writer_finish(writer.0, &mut result, error) })?;
    Ok(text_of(&result.digest))
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let repository = match arguments.as_slice() {
        [_, name] => CString::new(name.as_str()).expect("arguments have no NUL"),
        _ => {
            eprintln!("usage: write_stdin REPOSITORY");
            std::process::exit(2);
        }
    };
    match write_stdin(&repository) {
        Ok(digest) => println!("{digest}"),
        Err(Failure(exit_status, message)) => {
            eprintln!("write_stdin: {message}");
            std::process::exit(exit_status);
        }
    }
}
