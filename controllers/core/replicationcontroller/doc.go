// Package replicationcontroller keeps as many pods of one template as its ReplicationController asks for. It is
// kube-controller-manager's replicationcontroller-controller.
//
// It owns ReplicationControllers' pods and status. It watches ReplicationControllers, the pods that they control, and pods which
// nobody controls and a ReplicationController selects. A ReplicationController without a selector has the labels of its template
// for one; the API server sets it.
//
// All that it decides is package replicacontrol's, as of a ReplicaSet, and so is what that promises. A ReplicationController that is
// being deleted only has its status kept: its pods are the garbage collector's.
//
// # What it says
//
// The condition ReplicaFailure is True while pods cannot be created (FailedCreate) or deleted (FailedDelete), with
// the API server's words, and absent otherwise. Events, about the ReplicationController: SuccessfulCreate, FailedCreate,
// SuccessfulDelete, FailedDelete and InvalidSelector. One whose selector does not match the labels of its template, or that has none, which
// no API server lets in, gets no pods and FailedCreate.
package replicationcontroller
