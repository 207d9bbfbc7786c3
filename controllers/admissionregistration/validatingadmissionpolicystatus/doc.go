// Package validatingadmissionpolicystatus tells who writes a ValidatingAdmissionPolicy of mistakes in its expressions, in the
// policy's status. It is kube-controller-manager's validatingadmissionpolicy-status-controller.
//
// It watches ValidatingAdmissionPolicies, and looks at each generation of one once. The expressions of its validations, and of
// their messages, are compiled for every kind that its resource rules name, at most ten, and for the kind of its parameters, by
// the schemas that the API server publishes. What does not compile is a warning, with the field it stands in. Rules with
// wildcards and kinds without a schema are not checked.
//
// # What it promises
//
//   - status.observedGeneration is that of the policy which status.typeChecking is about. No warnings mean that none were found.
//   - A schema that exists and cannot be read is no reason to say that all is well: it is tried again.
//   - What a policy allows or denies does not depend on it.
//
// A definition that changes later, or whose schema was not published yet, is not looked at again before the policy changes.
package validatingadmissionpolicystatus
