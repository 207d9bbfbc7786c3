// Package progress shows the components of a control plane as they start.
//
// On a terminal it is a live list, a line a component, with how long each takes. Anywhere else it is plain lines, one for
// each component that has come up or failed, so that logs stay readable. It only shows: what is started, and what
// becomes of it, is the caller's.
package progress
