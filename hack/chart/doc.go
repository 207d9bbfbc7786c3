// Command chart writes the templates of the chart in charts/orrery from the kustomize tree in config/chart.
//
// The work is done by kubebuilder's Helm plugin (helm.kubebuilder.io/v2-alpha), as in any project of kubebuilder's; what is said
// here is what the plugin cannot know: which values turn which component on. The values themselves, their schema, and the notes
// that a user reads are written by hand, beside the templates; the tests hold them to what the plugin would write.
//
// It is a module of its own because of what Helm and kubebuilder require, which is not for those who import us. For the same
// reason it pins Helm itself, versions 4 and 3, which the tests of the chart and the Makefile run:
// `go tool helm.sh/helm/v4/cmd/helm`.
package main
