// Package nfttest has a table of nftables in memory, for tests: transactions are those of knftables' fake, and marks change as the
// kernel's do.
package nfttest
