// Package loops measures control loops alone, without an API server: how many passes the engine makes, what it costs to look after ten
// thousand pods that have ended, and to look at ten thousand that one owner has.
//
//	go test -short -run '^$' -bench . -benchtime 1x ./bench/loops
//
// Machines differ, and one machine differs from minute to minute: compare figures of one run. What the loops are compared with
// is measured beside them.
package loops
