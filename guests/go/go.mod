module hks

go 1.24
