// Package driver is a CSI driver as the loops beside it know it: external-provisioner, external-resizer and external-snapshotter are that
// elsewhere.
//
// A [Driver] has a name, the part of its controller service that the loops call, and a [Place]: which nodes it makes volumes for.
// [Dial] finds all of that out over a driver's socket, of whatever driver. The loops are packages provisioner (claims get volumes),
// deleter (volumes that nobody wants any more), capacity (how much the scheduler can count on), resizer (claims that want more),
// snapshotcontroller (snapshots that people ask for) and snapshotter (snapshots that the driver is to take and to delete).
//
// It decides nothing, and knows no API server.
package driver
