// Package imports holds the rules of who may import whom, as docs/architecture.md states them.
//
// The rules are a table in rules.go. They judge edges between packages and know nothing of
// how the edges were found, so that each can be shown to fail; the test then runs them over
// what the go command says about this module. Test files are free: they may compare us with
// whatever they like.
package imports
