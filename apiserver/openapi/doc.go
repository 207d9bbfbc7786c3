// Package openapi serves the OpenAPI documents of the kinds that are built into an API server. A document is built when
// somebody asks for it, and forgotten when nobody has for a while.
//
// Kubernetes builds all of them at every start, in version 2 and version 3, and keeps them: together with what they are made
// from, a third of a server's heap, and a fifth of its start.
//
// What is served is what Kubernetes would serve at the same path, built by its own builder. Only the hash that version 3 has
// in its URLs, by which a client knows a document that it has already, is of what the documents are made from (the release,
// the feature gates, the routes) instead of the document's bytes.
//
// The index of all documents of a server is upstream's; this package sees that a client never takes an old one for the present
// one ([Recent]).
//
// The package never serves documents of custom resources or of aggregated API servers: those are upstream's, as they are.
package openapi
