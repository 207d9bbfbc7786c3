// Package storageversionmigrator has the API server write objects anew which it keeps in another version, or by another encryption, than
// it would write them in today. It is kube-controller-manager's storage-version-migrator-controller, and the two that run beside it there:
// resource-version-controller and migration-runner-controller.
//
// A StorageVersionMigration names a resource. Its key here is that resource, as in deployments.apps, since one migration of a resource runs
// at a time: the oldest. It watches StorageVersionMigrations, asks discovery which resources there are, and reads CustomResourceDefinitions
// and the metadata of what is migrated from the API server.
//
//	Running     MigrationRunning, and how far it is where something is in the way; False, MigrationCompleted, when it is over
//	Succeeded   StorageVersionMigrationSucceeded
//	Failed      StorageVersionMigrationFailed: the server has no such resource, a minute after the migration was made; the resource cannot
//	            be listed, patched and updated; or the server refuses to write an object, for a reason that time does not mend
//
// It owns the status of migrations and, of a CustomResourceDefinition that is migrated, the condition StorageMigrating and, when that has
// succeeded and the definition has not changed meanwhile, status.storedVersions.
//
// # What it promises
//
//   - status.resourceVersion is how far the resource was when the migration began to run. It has succeeded when each object that had not
//     been written since then has been written by a patch that changes nothing, or by somebody else, or is gone.
//   - An object is written in the version that was listed, or not at all. A refusal because it has changed is believed when the API server
//     shows that it has.
//   - What stands in the way for a time (a server that is overloaded, a connection that broke) is told in the condition Running and
//     tried again; other resources are migrated meanwhile.
//   - A migration that is deleted is given up. One that was interrupted begins anew.
//
// Objects are listed from the API server in pages of 500, by their metadata; it does not wait for the graph of the garbage collector, as
// kube-controller-manager does. A resource by its second name cannot be migrated, but by its first.
package storageversionmigrator
