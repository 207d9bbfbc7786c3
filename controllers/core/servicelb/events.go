package servicelb

// The reasons of the events, as Kubernetes has them.
const (
	reasonEnsuring     = "EnsuringLoadBalancer"
	reasonEnsured      = "EnsuredLoadBalancer"
	reasonUpdated      = "UpdatedLoadBalancer"
	reasonUpdateFailed = "UpdateLoadBalancerFailed"
	reasonDeleting     = "DeletingLoadBalancer"
	reasonDeleted      = "DeletedLoadBalancer"
	reasonUnavailable  = "UnAvailableLoadBalancer"
	reasonSyncFailed   = "SyncLoadBalancerFailed"
)

// said is what an event says of a load balancer that could not be made or deleted.
func said(err error) string { return "Error syncing load balancer: " + err.Error() }
