import { Component, h, type ComponentType } from "preact";

/**
 * The same component, drawn again only where one of its properties is another one, or its own state
 * changed. An element that is kept and given again instead keeps all that was drawn around it: each
 * round would hold the one before.
 */
export function still<Props extends object>(component: ComponentType<Props>): ComponentType<Props> {
  return class Still extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const names = Object.keys(next) as (keyof Props)[];
      return names.some((name) => next[name] !== this.props[name]);
    }

    override render(props: Props) {
      return h(component, props);
    }
  };
}
