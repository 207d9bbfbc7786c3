// Package agent tries the node agent on a real API server with real containers: one node with a containerd and a bridge of its own.
//
// The tests need root and what `make runtime` builds; without these they are skipped, and say so.
package agent
