// Package controller deletes the oldest finished Jobs of a JobHistory beyond the number to keep.
//
// It owns the status of JobHistories. It watches them, and the Jobs that they select.
//
// # What it promises
//
//   - A Job that has not finished is never deleted, and neither is one that no JobHistory selects.
//   - Of too many finished Jobs the oldest go.
package controller
