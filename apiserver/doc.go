// Package apiserver runs a Kubernetes API server, and the etcd it stores in, inside this process.
//
// It is the API server of Kubernetes itself, with its options, so every client works against it unchanged. What is
// ours around it:
//
//   - everything lies in one data directory (certificates, etcd, the service-account key, the key for Secrets), which one
//     process at a time may use, and from which a restart continues, also after a crash;
//   - Secrets are encrypted in etcd, if Options say so, with a key of our own (package encryption) or as a file says;
//   - the listener is opened by the caller, or once by [Start], and handed over: no port is looked for and lost again;
//   - two names for one object (package naming): apps/v1 and apps.orrery.dev/v1 show the same stored Deployment;
//   - each component has a client identity with its own rights (package identity), and so has each control loop: one of
//     this process shows a token that is nowhere but in memory, the others a certificate;
//   - OpenAPI documents of built-in kinds are built when somebody asks for them (package openapi);
//   - several servers run in one process.
//
// [Start] returns as soon as the server answers requests, [Server.Ready] says when everything in it is up, and
// [Server.Stop] always returns.
//
// # What is shared by all servers of a process
//
// Feature gates and metrics are global variables of Kubernetes. Options.FeatureGates of one server are therefore those
// of all, and /metrics counts them together. Gates that cannot be set change nothing: that start fails, and no later one.
//
// Kubernetes ends the process, by klog.OsExit, when a post-start hook fails. That is an error of the servers which are being
// started instead.
//
// # What the second name does not do
//
// It speaks JSON and YAML only, and rights on it alone grant nothing: requests are judged by the first name. Deleting a
// definition of the second name is refused, and what it says is changed by nobody but the server.
//
// The package never decides what components run against the server, and holds no controller.
package apiserver
