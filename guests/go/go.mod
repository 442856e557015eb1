module hks

go 1.21
