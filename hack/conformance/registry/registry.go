// Package registry serves the images of an archive as the registries do that their names name, so that an image can also be pulled:
// tests that look at pulling would otherwise need the world's registries.
//
// It promises to serve exactly what the archive holds, on the one address that it is told, and to stop with its context. It takes no
// image from anyone else.
package registry

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	server "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Registry serves images over HTTP.
type Registry struct {
	// Archive holds the images, as `docker save` writes them.
	Archive string
	// Blobs is the directory where layers are kept while it serves; they stay, for the next time. It is made when missing.
	Blobs string
}

// Serve takes the archive's images in and serves them at an address of this machine, until ctx ends. It returns when all are there to be
// pulled, with the address that nodes are to use, and the registries that the images' names name.
func (r Registry) Serve(ctx context.Context, ip string) (address string, registries []string, err error) {
	if err := os.MkdirAll(r.Blobs, 0o700); err != nil {
		return "", nil, err
	}
	store := server.New(server.WithBlobHandler(server.NewDiskBlobHandler(r.Blobs)), server.Logger(log.New(io.Discard, "", 0)))
	inside, stop := context.WithCancel(ctx)
	defer stop()
	door, err := serve(inside, "127.0.0.1", store)
	if err != nil {
		return "", nil, err
	}
	if registries, err = r.fill(ctx, door); err != nil {
		return "", nil, fmt.Errorf("taking in the images of %s: %w", r.Archive, err)
	}
	address, err = serve(ctx, ip, onlyRead(store))
	return address, registries, err
}

// serve answers on a free port of an address until ctx ends.
func serve(ctx context.Context, ip string, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return "", fmt.Errorf("serving images: %w", err)
	}
	serving := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = serving.Serve(listener) }() // it ends when it is closed
	context.AfterFunc(ctx, func() { _ = serving.Close() })
	return listener.Addr().String(), nil
}

// fill puts the archive's images into the store behind an address. In it they go without the names of their registries.
func (r Registry) fill(ctx context.Context, door string) (registries []string, err error) {
	open := func() (io.ReadCloser, error) { return os.Open(r.Archive) }
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return nil, err
	}
	for _, image := range manifest {
		for _, tag := range image.RepoTags {
			from, err := name.NewTag(tag)
			if err != nil {
				return nil, err
			}
			content, err := tarball.Image(open, &from)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", tag, err)
			}
			to, err := name.NewTag(fmt.Sprintf("%s/%s:%s", door, from.RepositoryStr(), from.TagStr()), name.Insecure)
			if err != nil {
				return nil, err
			}
			if err := remote.Write(to, content, remote.WithContext(ctx)); err != nil {
				return nil, fmt.Errorf("storing %s: %w", tag, err)
			}
			registries = append(registries, asNodesNameIt(from.Registry))
		}
	}
	slices.Sort(registries)
	return slices.Compact(registries), nil
}

// asNodesNameIt is a registry's name in the configuration of a node: docker.io goes by another one in the protocol.
func asNodesNameIt(registry name.Registry) string {
	if registry.RegistryStr() == name.DefaultRegistry {
		return "docker.io"
	}
	return registry.RegistryStr()
}

// onlyRead lets pull, and not push.
func onlyRead(store http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "the images here are only read", http.StatusMethodNotAllowed)
			return
		}
		store.ServeHTTP(w, r)
	})
}

// Tell writes how the registries are reached into a directory of an instance: through an address alone.
func Tell(dir, address string, registries []string) error {
	for _, registry := range registries {
		file := filepath.Join(dir, registry, "hosts.toml")
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		text := fmt.Sprintf("server = \"http://%s\"\n\n[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", address, address)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
