// Package podtemplate makes pods of templates, and tells templates apart.
//
// A pod of a template has its labels, annotations, finalizers and spec, and a name that begins with its owner's: what follows is
// an ordinal, or letters that are generated. Who owns it is said where it is created (plan.Create.OwnedBy).
//
// # What it promises
//
//   - Nothing that it is given is changed, and what it makes shares nothing with it.
//   - The hash of a template is that of Kubernetes: a workload keeps its pods when it comes from there or goes there. It is stable
//     for as long as upstream's types are; two templates of one hash may differ, so that whoever names something by it counts
//     collisions.
//   - Templates are the same if they differ at most in the label with their hash, and in nil for empty.
//
// It is pure, and never says what a template is for.
package podtemplate
