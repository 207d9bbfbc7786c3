package apiserver

import (
	genericopenapi "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// nameKinds has the OpenAPI documents say which kinds the definitions of further groups are of, by which kubectl explain finds them:
// Kubernetes' own namer knows the kinds of its own groups only.
func nameKinds(generic *genericapiserver.Config, groups []*genericapiserver.APIGroupInfo) {
	for _, group := range groups {
		namer := genericopenapi.NewDefinitionNamer(group.Scheme)
		generic.OpenAPIConfig.GetDefinitionName = also(generic.OpenAPIConfig.GetDefinitionName, namer.GetDefinitionName)
		generic.OpenAPIV3Config.GetDefinitionName = also(generic.OpenAPIV3Config.GetDefinitionName, namer.GetDefinitionName)
	}
}

// definitionName gives a definition its name in documents, and what else they say of it.
type definitionName = func(definition string) (string, spec.Extensions)

// also is a namer with what another says of a definition of which it says nothing.
func also(namer, other definitionName) definitionName {
	return func(definition string) (string, spec.Extensions) {
		name, says := namer(definition)
		if len(says) == 0 {
			_, says = other(definition)
		}
		return name, says
	}
}
