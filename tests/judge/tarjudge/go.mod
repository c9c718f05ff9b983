module layerpipe.test/tarjudge

go 1.19
