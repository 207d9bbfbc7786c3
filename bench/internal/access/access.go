// Package access is how the processes of a benchmark reach its API server: as data that can be told from one to the other.
package access

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// Access is a server's address, the authority that vouches for it, and the token of a user.
type Access struct {
	Host  string
	CA    []byte
	Token string
}

// Config is a client configuration without a limit on requests, and without the warnings of which a benchmark knows.
func (a Access) Config() *rest.Config {
	return &rest.Config{
		Host: a.Host, QPS: -1, BearerToken: a.Token, TLSClientConfig: rest.TLSClientConfig{CAData: a.CA},
		WarningHandler: rest.NoWarnings{},
	}
}

// InProtobuf makes a client speak protobuf, as Kubernetes' own programs do by default.
func InProtobuf(config *rest.Config) *rest.Config {
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}
