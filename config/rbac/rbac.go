// Package rbac holds the ClusterRoles that controller-gen writes from the RBAC markers of our components, one file a
// component: components/controllers.yaml is what the rooms in controllers/ ask for. It holds nothing written by hand.
package rbac

import "embed"

// Components holds the files under components/.
//
//go:embed all:components
var Components embed.FS
