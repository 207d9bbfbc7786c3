// Package revisions keeps the history of what a workload's template was, as ControllerRevisions.
//
// A revision holds a template as the patch that sets it, with a number: the newest has the highest. A template that comes back
// has its old revision renumbered, so that there is one for each template.
//
// # What it promises
//
//   - What a revision is called, how it is labelled and what it holds is as in Kubernetes, byte by byte: a workload that comes from
//     there, or goes there, keeps its history. That kubectl can undo to a revision follows from it.
//   - Revisions are compared by the templates that they hold and not by bytes: a server may rewrite those where they are a custom resource,
//     and each Kubernetes writes a template as it does.
//   - A revision in use is never dropped, and none is changed but for its number.
//   - A name that somebody else's revision has is a collision, for which the owner counts one more and plans again.
//
// It decides nothing about pods, and never says which revisions are in use.
package revisions
