package framework

import (
	"fmt"
	"slices"

	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Names of the extension points as they stand in errors and in metrics.
const (
	PreEnqueue  = "PreEnqueue"
	QueueSort   = "QueueSort"
	PreFilter   = "PreFilter"
	Filter      = "Filter"
	PostFilter  = "PostFilter"
	PreScore    = "PreScore"
	Score       = "Score"
	Reserve     = "Reserve"
	Permit      = "Permit"
	PreBind     = "PreBind"
	Bind        = "Bind"
	PostBind    = "PostBind"
	Sign        = "Sign"
	Unreserve   = "Unreserve"
	PreFlight   = "PreBindPreFlight"
	AddPod      = "PreFilterExtensionAddPod"
	RemovePod   = "PreFilterExtensionRemovePod"
	Normalize   = "ScoreExtensionNormalize"
	QueueHint   = "QueueingHint"
	hintsEvents = "EventsToRegister"

	PodGroupPostFilter = "PodGroupPostFilter"
	PlacementGenerate  = "PlacementGenerate"
	PlacementFeasible  = "PlacementFeasible"
	PlacementScore     = "PlacementScore"
	PlacementNormalize = "PlacementScoreExtensionNormalize"
)

// points are the plugins of a profile at each extension point, in the order in which they run.
type points struct {
	preEnqueue []fwk.PreEnqueuePlugin
	queueSort  []fwk.QueueSortPlugin
	preFilter  []fwk.PreFilterPlugin
	filter     []fwk.FilterPlugin
	postFilter []fwk.PostFilterPlugin
	preScore   []fwk.PreScorePlugin
	score      []fwk.ScorePlugin
	reserve    []fwk.ReservePlugin
	permit     []fwk.PermitPlugin
	preBind    []fwk.PreBindPlugin
	bind       []fwk.BindPlugin
	postBind   []fwk.PostBindPlugin

	podGroupPostFilter []fwk.PodGroupPostFilterPlugin
	placementGenerate  []fwk.PlacementGeneratePlugin
	placementScore     []fwk.PlacementScorePlugin
}

// point ties an extension point's name and its place in the configuration to the list it fills.
type point struct {
	name   string
	config func(*configv1.Plugins) *configv1.PluginSet
	// add appends the plugin to the list; it reports whether the plugin implements the point.
	add func(fwk.Plugin) bool
}

// table lists the extension points. It is the only place that knows all of them.
func (p *points) table() []point {
	type set = *configv1.PluginSet
	return []point{
		{PreEnqueue, func(c *configv1.Plugins) set { return &c.PreEnqueue }, into(&p.preEnqueue)},
		{QueueSort, func(c *configv1.Plugins) set { return &c.QueueSort }, into(&p.queueSort)},
		{PreFilter, func(c *configv1.Plugins) set { return &c.PreFilter }, into(&p.preFilter)},
		{Filter, func(c *configv1.Plugins) set { return &c.Filter }, into(&p.filter)},
		{PostFilter, func(c *configv1.Plugins) set { return &c.PostFilter }, into(&p.postFilter)},
		{PreScore, func(c *configv1.Plugins) set { return &c.PreScore }, into(&p.preScore)},
		{Score, func(c *configv1.Plugins) set { return &c.Score }, into(&p.score)},
		{Reserve, func(c *configv1.Plugins) set { return &c.Reserve }, into(&p.reserve)},
		{Permit, func(c *configv1.Plugins) set { return &c.Permit }, into(&p.permit)},
		{PreBind, func(c *configv1.Plugins) set { return &c.PreBind }, into(&p.preBind)},
		{Bind, func(c *configv1.Plugins) set { return &c.Bind }, into(&p.bind)},
		{PostBind, func(c *configv1.Plugins) set { return &c.PostBind }, into(&p.postBind)},
		{PodGroupPostFilter, func(c *configv1.Plugins) set { return &c.PodGroupPostFilter }, into(&p.podGroupPostFilter)},
		{PlacementGenerate, func(c *configv1.Plugins) set { return &c.PlacementGenerate }, into(&p.placementGenerate)},
		{PlacementScore, func(c *configv1.Plugins) set { return &c.PlacementScore }, into(&p.placementScore)},
	}
}

func into[T fwk.Plugin](list *[]T) func(fwk.Plugin) bool {
	return func(plugin fwk.Plugin) bool {
		typed, ok := plugin.(T)
		if ok {
			*list = append(*list, typed)
		}
		return ok
	}
}

// fill puts the plugins of a profile into their places. In a list, plugins that are set at the point itself and in
// multiPoint come first, then the others of multiPoint, then the others of the point.
func (p *points) fill(config *configv1.Plugins, plugins map[string]fwk.Plugin) error {
	for _, point := range p.table() {
		own := *point.config(config)
		ownNames, multiNames := enabledNames(own), enabledNames(config.MultiPoint)
		disabled := disabledNames(own)
		if name, twice := repeated(ownNames); twice {
			return fmt.Errorf("enabling plugin %q at %s: it is enabled there twice", name, point.name)
		}
		if name, twice := repeated(multiNames); twice {
			return fmt.Errorf("enabling plugin %q in multiPoint: it is enabled there twice", name)
		}
		if disabled["*"] {
			multiNames = nil
		}
		both := func(name string) bool { return slices.Contains(multiNames, name) && !disabled[name] }
		for _, name := range filtered(ownNames, both) {
			if !point.add(plugins[name]) {
				return fmt.Errorf("enabling plugin %q at %s: it does not implement that extension point", name, point.name)
			}
		}
		for _, name := range multiNames {
			if !disabled[name] && !slices.Contains(ownNames, name) {
				point.add(plugins[name]) // In multiPoint, a plugin is for those points that it implements.
			}
		}
		for _, name := range filtered(ownNames, func(name string) bool { return !both(name) }) {
			if !point.add(plugins[name]) {
				return fmt.Errorf("enabling plugin %q at %s: it does not implement that extension point", name, point.name)
			}
		}
	}
	return nil
}

// NamedSet is one extension point in the configuration of a profile.
type NamedSet struct {
	// Name is the point's, such as PreFilter.
	Name string
	Set  *configv1.PluginSet
}

// Sets returns the extension points in the configuration of a profile, without multiPoint.
func Sets(config *configv1.Plugins) []NamedSet {
	var sets []NamedSet
	for _, point := range new(points).table() {
		sets = append(sets, NamedSet{point.name, point.config(config)})
	}
	return sets
}

// Enabled returns the names of all plugins that a profile names at some extension point.
func Enabled(config *configv1.Plugins) []string {
	names := enabledNames(config.MultiPoint)
	for _, point := range new(points).table() {
		names = append(names, enabledNames(*point.config(config))...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func enabledNames(set configv1.PluginSet) []string {
	names := make([]string, len(set.Enabled))
	for i, plugin := range set.Enabled {
		names[i] = plugin.Name
	}
	return names
}

func disabledNames(set configv1.PluginSet) map[string]bool {
	names := make(map[string]bool, len(set.Disabled))
	for _, plugin := range set.Disabled {
		names[plugin.Name] = true
	}
	return names
}

func filtered(names []string, keep func(string) bool) []string {
	var kept []string
	for _, name := range names {
		if keep(name) {
			kept = append(kept, name)
		}
	}
	return kept
}

func repeated(names []string) (string, bool) {
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			return name, true
		}
		seen[name] = true
	}
	return "", false
}
