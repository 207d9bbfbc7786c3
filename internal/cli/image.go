package cli

import (
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/nodeagent/images"
	"github.com/spf13/cobra"
)

func newImage(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:   "image",
		Short: "Load and list the container images of the node",
		Long: `Load and list the container images of this instance's node. A loaded image needs no
registry: a pod that names it runs, unless its imagePullPolicy is Always.`,
		Example: `  docker save web:1 > web.tar && orrery image load web.tar
  orrery image list`,
	}
	c.AddCommand(newImageLoad(t), newImageList(t))
	return c
}

func newImageLoad(t *target) *cobra.Command {
	return &cobra.Command{
		Use:     "load FILE...",
		Short:   "Load the images of archives into the node's container runtime",
		Long:    `Load the images of archives, which 'docker save' or any builder of OCI archives made.`,
		Example: `  orrery image load web.tar`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			store, err := imageStore(t)
			if err != nil {
				return err
			}
			for _, file := range files {
				names, err := store.Load(c.Context(), file)
				if err != nil {
					return err
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
		Short:   "List the images that the node's container runtime has",
		Example: `  orrery image list
  orrery image list -o json | jq -r '.[].tags[]'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			store, err := imageStore(t)
			if err != nil {
				return err
			}
			list, err := store.List(c.Context())
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

// imageStore is the images of the running instance.
func imageStore(t *target) (*images.Store, error) {
	inst, err := t.instance()
	if err != nil {
		return nil, err
	}
	if !inst.Running() {
		return nil, notRunning(inst)
	}
	runtime, err := newRuntime(inst, "")
	if err != nil {
		return nil, err
	}
	return runtime.Images(), nil
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
