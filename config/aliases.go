package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// findAnchors gives each alias the value of the last anchor of its name that is complete before it. An alias can
// therefore not be within its own anchor, and following aliases comes to an end.
func (d *decoder) findAnchors(node ast.Node, anchors map[string]ast.Node) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			d.findAnchors(v, anchors)
		}
	case *ast.MappingValueNode:
		d.findAnchors(n.Value, anchors)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			n.Values[i] = mendColon(v)
			d.findAnchors(n.Values[i], anchors)
		}
	case *ast.TagNode:
		d.findAnchors(n.Value, anchors)
	case *ast.AnchorNode:
		d.findAnchors(n.Value, anchors)
		anchors[n.Name.GetToken().Value] = n.Value
	case *ast.AliasNode:
		if target := anchors[n.Value.GetToken().Value]; target != nil {
			d.aliases[n] = target
		}
	}
}

// follow returns the node that an alias or anchor stands for, or nil after a fault.
func (d *decoder) follow(node ast.Node, path string) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			if d.aliases[n] == nil {
				d.reject(start(n), path, fmt.Sprintf("the alias *%s has no anchor before it: put &%[1]s before the value it repeats", n.Value.GetToken().Value))
				return nil
			}
			node = d.aliases[n]
		case *ast.TagNode:
			d.reject(start(n), path, fmt.Sprintf("the tag %s is not supported: remove it", n.Start.Value))
			return nil
		default:
			return node
		}
	}
}

// entriesOf returns the key-value pairs of a mapping and, for the keys that it does not have itself, those of the
// mappings it merges by <<.
func (d *decoder) entriesOf(m *ast.MappingNode, path string) []*ast.MappingValueNode {
	if done, ok := d.entries[m]; ok {
		return done
	}
	var all []*ast.MappingValueNode
	first := map[string]position{}
	for _, e := range m.Values {
		key := keyOf(e)
		if e.Key.IsMergeKey() {
			continue
		}
		if at, twice := first[key]; twice {
			d.fault(start(e.Key), join(path, key), fmt.Sprintf("appears twice: it is already given on line %d", at.line))
			continue
		}
		first[key] = start(e.Key)
		all = append(all, e)
	}
	for _, e := range m.Values {
		if !e.Key.IsMergeKey() {
			continue
		}
		for _, merged := range d.merged(e.Value, path) {
			if _, own := first[keyOf(merged)]; !own {
				first[keyOf(merged)] = start(merged.Key)
				all = append(all, merged)
			}
		}
	}
	d.entries[m] = all
	return all
}

// merged returns the key-value pairs of the value of a << key: a mapping or a list of them.
func (d *decoder) merged(value ast.Node, path string) []*ast.MappingValueNode {
	node := d.follow(value, join(path, "<<"))
	sources := []ast.Node{node}
	if list, ok := node.(*ast.SequenceNode); ok {
		sources = list.Values
	}
	var all []*ast.MappingValueNode
	for _, source := range sources {
		if source = d.follow(source, join(path, "<<")); source == nil {
			continue
		}
		m, ok := asMapping(source)
		if !ok {
			d.fault(start(source), join(path, "<<"), fmt.Sprintf("is %s: merge a mapping, such as *anchor", kind(source)))
			continue
		}
		all = append(all, d.entriesOf(m, path)...)
	}
	return all
}

// unwrap returns the value of an anchor or alias, if it has one.
func (d *decoder) unwrap(node ast.Node) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			if d.aliases[n] == nil {
				return n
			}
			node = d.aliases[n]
		default:
			return node
		}
	}
}
