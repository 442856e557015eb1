// Package hks makes a Go program a function of HKS Functions.
//
//	func main() {
//		hks.Handle(func(ctx hks.Context, order Order) (Receipt, error) {
//			return Receipt{Total: order.Price * order.Count}, nil
//		})
//	}
//
// The program is built as a command for WASI 0.1: the event comes on standard input, the value leaves on standard output,
// and logs leave on standard error. [Handle] does all of that. While the handler runs, [os.Stdout] is standard error, so
// that what it prints is a log and never a part of the value.
//
// Every execution is a fresh start of the program: what is kept in variables is gone afterwards.
package hks
