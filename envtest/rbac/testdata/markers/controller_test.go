package markers

// +kubebuilder:rbac:groups=example.org,resources=planets,verbs=get
