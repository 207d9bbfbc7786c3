// Package differential compares the controllers with kube-controller-manager's.
package differential
