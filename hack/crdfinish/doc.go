// Command crdfinish finishes the custom resource definitions that controller-gen wrote.
//
//	crdfinish config/crd/bases config/crd/names
//
// Our kinds are made of upstream types, whose markers are upstream's: they describe what the
// built-in API does, which a schema must say in other words. For every definition in the
// directory it
//
//   - requires the keys of list maps, which an API server insists on ("type" of a condition);
//   - lets required lists be null, because that is how a Go client writes an empty one;
//   - requires nothing at the top of a status, so that one field of it can be written alone;
//   - lets the metadata of a template have every field of metadata. Manifests hold
//     "creationTimestamp: null" there, which strict validation would refuse;
//   - limits the length of strings that have rules, because the server budgets rules by it;
//   - gives the elements of a list that nests itself a type, because schemas cannot recurse.
//
// Finishing a finished definition changes nothing.
//
// Into the second directory it writes the same definitions without their schemas: those that our own API server installs.
package main
