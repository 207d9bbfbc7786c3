// Package liveview shows on a terminal a picture that changes in place, until somebody has seen enough of it.
//
// It promises to ask for the picture anew at a steady pace and never twice at a time, to show it as large as the terminal is,
// to end by q, Esc, Ctrl-C or the end of its context, and to leave the last picture on the screen. What it shows is the
// caller's, and so is what to do where there is no terminal: see [On].
package liveview
