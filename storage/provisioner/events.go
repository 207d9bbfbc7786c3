package provisioner

import "fmt"

// The reasons of events, which kubectl and people know.
const (
	reasonProvisioning = "Provisioning"
	reasonSucceeded    = "ProvisioningSucceeded"
	reasonFailed       = "ProvisioningFailed"
)

// failure is what the event says of a volume that was not made.
func failure(class string, err error) string {
	return fmt.Sprintf("failed to provision volume with StorageClass %q: %v", class, err)
}
