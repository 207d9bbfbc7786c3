// Package server is the kubelet's HTTPS API, which the API server calls for kubectl logs, exec, attach and port-forward.
//
// One server speaks for all nodes of a process: a pod is found by its name (the newest, where there are several), and with it the
// runtime that has it. Clients are known by certificates of one authority, and what each may do is asked of the API server
// (SubjectAccessReview), as the kubelet does. Streams are not terminated here: the runtime names an address, and the request is passed on to it.
package server
