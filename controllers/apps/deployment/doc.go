// Package deployment rolls pods from one template to the next, by way of ReplicaSets. It is kube-controller-manager's
// deployment-controller.
//
// It owns Deployments' status and their ReplicaSets: one for each template that the Deployment has had, of which the one
// with the present template is the new one and all others are old. It never touches a pod. It watches Deployments,
// the ReplicaSets that they control or could adopt, and the end of pods.
//
// # What it promises
//
//   - A rolling update never asks for more than replicas + maxSurge pods, and takes no old pod away unless at
//     least replicas - maxUnavailable others are available. Old pods that are not available go first.
//   - Recreate starts no new pod before the last old one has ended.
//   - Scaling in the middle of a rollout keeps the proportions between the ReplicaSets.
//   - What has been asked is counted by spec. What has been reached is counted by status, and only as far as spec still
//     asks for it: a ReplicaSet that was just scaled down reports pods that are about to go.
//   - Nothing is rolled while the Deployment is paused; scaling goes on.
//   - A rollback is a rollout: an old ReplicaSet whose template is asked for again becomes the new one.
//   - Names of ReplicaSets follow from template and collision count, so that making one twice makes one.
//
// # What it writes
//
// The annotations deployment.kubernetes.io/revision (Deployment and ReplicaSets), revision-history, desired-replicas
// and max-replicas (ReplicaSets), under either naming; the label pod-template-hash on ReplicaSets and pods.
//
// # What it says
//
//   - Available: True (MinimumReplicasAvailable) or False (MinimumReplicasUnavailable).
//   - Progressing: True (NewReplicaSetCreated, FoundNewReplicaSet, ReplicaSetUpdated, NewReplicaSetAvailable), Unknown
//     (DeploymentPaused, DeploymentResumed), False (ReplicaSetCreateError, ProgressDeadlineExceeded). There is none
//     without a progress deadline. A ReplicaSet that has been created goes from NewReplicaSetCreated to ReplicaSetUpdated when its first
//     pods are there; upstream stays at the former if it has not looked before they were.
//   - ReplicaFailure: that of a ReplicaSet, the new one's first.
//
// Events, about the Deployment: ScalingReplicaSet, ReplicaSetCreateError, SelectingAll, InvalidSelector, and for the annotation
// deprecated.deployment.rollback.to DeploymentRollback, DeploymentRollbackRevisionNotFound and
// DeploymentRollbackTemplateUnchanged.
//
// # How to read it
//
// observe.go reads the world; rollout.go puts it into the terms of a rollout; plan.go decides which of the plan_*.go
// applies, each of which returns what steps.go has; status.go and progress.go report. template.go and revision.go know how ReplicaSets are named and numbered,
// limits.go what the fields of a Deployment mean. See https://kubernetes.io/docs/concepts/workloads/controllers/deployment/.
package deployment
