// Package restart decides whether and when a container that ended is started again.
//
// It is pure: restart policies, the rules of single containers, and the back-off between attempts, whose figures are the
// kubelet's. It never starts anything.
package restart
