// Package child lets a benchmark have processes: itself, started again in a role, so that what one part uses of CPU time and memory
// can be told from what the others use.
//
// A child is told what to do by the first line of its input, and says by the first line of its output that it is ready. It lives
// until its input ends, and so never survives who started it. Meanwhile it says at an address of its own how much CPU time and memory
// it has used, can be profiled, and serves what its part has added to http.DefaultServeMux.
package child
