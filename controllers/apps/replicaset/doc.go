// Package replicaset keeps as many pods of one template as its ReplicaSet asks for. It is kube-controller-manager's
// replicaset-controller.
//
// It owns ReplicaSets' pods and status. It watches ReplicaSets, the pods that they control, and pods which nobody
// controls and a ReplicaSet selects.
//
// # What it promises
//
//   - Pods that have ended or are being deleted do not count, and are replaced at once.
//   - Of too many pods those go first which are missed the least: package replicas says in which order, and pods of all
//     ReplicaSets of one owner are spread over nodes together.
//   - At most 500 pods are created or deleted in one pass.
//   - A pod whose labels no longer match is released and runs on; a matching pod that nobody controls is adopted.
//   - A ReplicaSet that is being deleted only has its status kept. Its pods are the garbage collector's.
//
// # What it says
//
// The condition ReplicaFailure is True while pods cannot be created (FailedCreate) or deleted (FailedDelete), with
// the API server's words, and absent otherwise. Events, about the ReplicaSet: SuccessfulCreate, FailedCreate,
// SuccessfulDelete, FailedDelete and InvalidSelector. One whose selector does not match the labels of its template, which no API server
// lets in, gets no pods and FailedCreate; upstream makes pods without end.
package replicaset
