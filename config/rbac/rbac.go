// Package rbac holds the roles that are written from the RBAC markers of our components, one file for each identity:
// controllers/deployment-controller.yaml is what the loop of that name asks for in its room, components/scheduler.yaml what the
// packages below scheduler/ ask for. It holds nothing written by hand.
package rbac

import "embed"

// Roles holds the folders controllers, with a file for each control loop, and components, with one for each other component.
//
//go:embed components controllers
var Roles embed.FS
