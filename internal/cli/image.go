package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/nodeagent/images"
	"github.com/spf13/cobra"
	grpcstatus "google.golang.org/grpc/status"
)

func newImage(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:   "image",
		Short: "Load and list the container images of the nodes",
		Long: `Load and list the container images of this instance's nodes. A loaded image needs no
registry: a pod that names it runs, unless its imagePullPolicy is Always.

How registries are reached stands in registries/NAME/hosts.toml of the instance's directory:
mirrors, a registry's own authority, one without TLS, in containerd's form. It is read at each
pull. What /etc/containerd/certs.d of the machine says counts as well.`,
		Example: `  docker save web:1 > web.tar && orrery image load web.tar
  orrery image list`,
	}
	c.AddCommand(newImageLoad(t), newImageList(t))
	return c
}

func newImageLoad(t *target) *cobra.Command {
	return &cobra.Command{
		Use:     "load FILE...",
		Short:   "Load the images of archives into the container runtime of each node",
		Long:    `Load the images of archives, which 'docker save' or any builder of OCI archives made.`,
		Example: `  orrery image load web.tar`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			stores, err := imageStores(c.Context(), t)
			if err != nil {
				return err
			}
			for _, file := range files {
				var names []string
				for _, store := range stores {
					if names, err = store.Load(c.Context(), file); err != nil {
						return err
					}
				}
				c.Printf("loaded %s\n", strings.Join(names, ", "))
			}
			return nil
		},
	}
}

func newImageList(t *target) *cobra.Command {
	var format printer.Format
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the images that the container runtime of the first node has",
		Example: `  orrery image list
  orrery image list -o json | jq -r '.[].tags[]'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			stores, err := imageStores(c.Context(), t)
			if err != nil {
				return err
			}
			list, err := stores[0].List(c.Context())
			if err != nil {
				return err
			}
			return printer.Print(c.OutOrStdout(), format, listedImages(list), func() printer.Table { return imageTable(list) })
		},
	}
	format.AddFlag(c)
	return c
}

// listedImage is an image as programs see it.
type listedImage struct {
	ID   string   `json:"id"`
	Tags []string `json:"tags"`
	// Size is in bytes.
	Size uint64 `json:"size"`
}

func listedImages(list []images.Image) []listedImage {
	listed := make([]listedImage, len(list))
	for i, image := range list {
		listed[i] = listedImage{image.ID, append([]string{}, image.Tags...), image.Size}
	}
	return listed
}

func imageTable(list []images.Image) printer.Table {
	table := printer.Table{Columns: []printer.Column{{Name: "IMAGE", Yields: true}, {Name: "ID"}, {Name: "SIZE"}, {Name: "WHOLE ID", WideOnly: true}}}
	for _, image := range list {
		table.Rows = append(table.Rows, []string{imageName(image), shortID(image.ID), humanize.Bytes(image.Size), image.ID})
	}
	return table
}

// imageStores are the images of the running instance: those of each runtime that runs its containers, the first node's first.
func imageStores(ctx context.Context, t *target) ([]*images.Store, error) {
	inst, err := t.instance()
	if err != nil {
		return nil, err
	}
	if !inst.Running() {
		return nil, notRunning(inst)
	}
	status, err := inst.Status(ctx)
	if err != nil {
		return nil, err
	}
	if status.Flags["runtime"] != containerdRuntime {
		return nil, fmt.Errorf("instance %s has no images: its nodes are simulated, and run pods of any image without one", inst.Name)
	}
	stores, err := storesOf(inst, status)
	for _, store := range stores {
		err = errors.Join(err, answersAboutImages(ctx, inst, store))
	}
	return stores, err
}

// storesOf are the images of an instance's nodes.
func storesOf(inst *instance.Instance, status instance.Status) ([]*images.Store, error) {
	nodes := []*instance.Instance{inst}
	for _, component := range status.Components {
		if n, ok := furtherNumber(component.Name); ok {
			nodes = append(nodes, furtherNode(inst, n))
		}
	}
	var stores []*images.Store
	for _, node := range nodes {
		runtime, err := newRuntime(node, status.Flags["runtime-bin"])
		if err != nil {
			return nil, err
		}
		stores = append(stores, runtime.Images())
	}
	if endpoint := status.Flags["runtime-endpoint"]; endpoint != "" {
		stores[0].Endpoint = endpoint
	}
	return stores, nil
}

// runtimePatience is how long a container runtime may take to say which images it has.
const runtimePatience = 10 * time.Second

// answersAboutImages says why a runtime does not answer, if it does not, rather than let somebody wait for it.
func answersAboutImages(ctx context.Context, inst *instance.Instance, store *images.Store) error {
	ctx, cancel := context.WithTimeout(ctx, runtimePatience)
	defer cancel()
	_, err := store.List(ctx)
	if err == nil {
		return nil
	}
	reason := err.Error()
	var told interface{ GRPCStatus() *grpcstatus.Status }
	if errors.As(err, &told) { // its words without those of the protocol
		reason = told.GRPCStatus().Message()
	}
	return fmt.Errorf("the container runtime of instance %s does not answer at %s (%s): see '%s'",
		inst.Name, store.Endpoint, reason, inst.Command("logs containerd"))
}

func imageName(image images.Image) string {
	if len(image.Tags) == 0 {
		return "<none>"
	}
	return strings.Join(image.Tags, ",")
}

func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}
