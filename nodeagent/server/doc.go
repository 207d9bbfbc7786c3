// Package server is the kubelet's HTTPS API, which the API server calls for kubectl logs, exec, attach and port-forward, and
// metrics collectors for what the node measures.
//
// One server speaks for all nodes of a process: a pod is found by its name (the newest, where there are several), and with it the
// runtime that has it. Streams are not terminated here: the runtime names an address, and the request is passed on to it.
//
// It lets in whom the API server lets in, and nobody is anonymous. A client is known by a certificate of one authority, or by a
// token, of which the API server says whose it is (TokenReview). What each may do is asked of the API server as well
// (SubjectAccessReview), as subresources of the node: nodes/pods, nodes/healthz, nodes/stats and so on for one thing each, and
// nodes/proxy for logs of containers, exec and the rest. Answers are believed as long as the configuration says.
//
// What is about the node itself (/configz, /flagz, /statusz, /logs/, /checkpoint, profiles) is answered by a server of one node alone.
package server
