//! A drawn head seen from the side: the parts of the drawing are shifted by their depth.

use resvg::tiny_skia::{
    FillRule, Mask, Paint as Ink, Path, PathBuilder, PathSegment, Pixmap, PixmapPaint, Point, Transform,
};
use resvg::usvg;

/// Where the axis of the head is, in the units of the drawing.
const AXIS: f32 = 384.;
/// How far the front of the face is before the axis.
const DEPTH: f32 = 190.;
/// Half the width of the head with its ears, and of the hair around it.
const HEAD: f32 = 197.;
const HAIR: f32 = 231.;
/// Where the top of the head ends and its forehead begins.
const TOP: f32 = 130.;
const FOREHEAD: f32 = 300.;
/// How far hair behind the head moves the other way, as a part of the depth of the face.
const BEHIND: f32 = 0.3;
/// Pieces that a segment of an outline is cut into before it is bent.
const PIECES: usize = 4;

/// How a component of the drawing lies in depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Does not turn with the head.
    Still,
    /// On the front of a cylinder around the axis.
    Face,
    /// The outline of the head, whose middle is on the face, and what follows it.
    Head,
    Hair,
    Behind,
}

impl Depth {
    /// That of a component by its name.
    fn of(component: &str) -> Option<Self> {
        Some(match component {
            "body" | "clothes" => Self::Still,
            "mouth" | "eyes" | "eyebrows" => Self::Face,
            "head" | "beard" => Self::Head,
            "hair" => Self::Hair,
            "rearHair" => Self::Behind,
            _ => return None,
        })
    }
}

/// A turn of the head to its left or right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    sin: f32,
    cos: f32,
}

impl Turn {
    /// By `degrees`; above 0 the face moves to the right of the picture.
    pub(super) fn new(degrees: f64) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { sin: sin as f32, cos: cos as f32 }
    }

    /// Where a point of a component is seen.
    fn place(self, depth: Depth, Point { x, y }: Point) -> Point {
        let u = x - AXIS;
        // 1 in the middle, 0 at the sides.
        let bulge = |half: f32| (1. - (u / half).powi(2)).max(0.);
        // The near side keeps its width at its edge, the far side becomes narrow there.
        let outline = |half: f32| if (u > 0.) == (self.sin > 0.) { bulge(half) } else { bulge(half).powi(2) };
        // The top of the head and its hair stay in their place, the forehead moves with the face.
        let t = ((y - TOP) / (FOREHEAD - TOP)).clamp(0., 1.);
        let front = DEPTH * self.sin * t * t * (3. - 2. * t);
        let moved = match depth {
            Depth::Still => u,
            Depth::Face => u * self.cos + (DEPTH.powi(2) - u.powi(2)).max(0.).sqrt() * self.sin,
            Depth::Head => u + front * outline(HEAD),
            Depth::Hair => u + front * outline(HAIR),
            Depth::Behind => u - BEHIND * DEPTH * self.sin,
        };
        Point { x: AXIS + moved, y }
    }

    /// Draws the tree onto `pixels`, `scale` pixels for a unit.
    pub(super) fn render(self, tree: &usvg::Tree, scale: f32, pixels: &mut Pixmap) {
        let mut canvas = Canvas { turn: self, scale: Transform::from_scale(scale, scale), pixels };
        canvas.group(tree.root(), Transform::identity(), Depth::Still);
    }
}

/// What is drawn onto.
struct Canvas<'a> {
    turn: Turn,
    scale: Transform,
    pixels: &'a mut Pixmap,
}

impl Canvas<'_> {
    /// Draws a group, `outer` around it.
    fn group(&mut self, group: &usvg::Group, outer: Transform, depth: Depth) {
        let transform = outer.pre_concat(group.transform());
        let depth = Depth::of(group.id()).unwrap_or(depth);
        let Some(mask) = group.mask().and_then(|mask| self.mask(mask.root(), transform, depth)) else {
            return self.children(group, transform, depth);
        };
        // By itself first, so that edges of the mask do not show what the group's own paths cover.
        let Some(mut pixels) = Pixmap::new(self.pixels.width(), self.pixels.height()) else { return };
        Canvas { turn: self.turn, scale: self.scale, pixels: &mut pixels }.children(group, transform, depth);
        pixels.apply_mask(&mask);
        self.pixels.draw_pixmap(0, 0, pixels.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
    }

    fn children(&mut self, group: &usvg::Group, transform: Transform, depth: Depth) {
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => self.group(inner, transform, depth),
                usvg::Node::Path(path) => self.path(path, transform, depth),
                // The drawing has none.
                usvg::Node::Image(_) | usvg::Node::Text(_) => {}
            }
        }
    }

    fn path(&mut self, path: &usvg::Path, transform: Transform, depth: Depth) {
        let Some(bent) = self.bent(path, transform, depth) else { return };
        let anti_alias = path.rendering_mode().use_shape_antialiasing();
        let ink = |paint: &usvg::Paint, opacity: usvg::Opacity| {
            let usvg::Paint::Color(color) = paint else { return None };
            let mut ink = Ink { anti_alias, ..Ink::default() };
            ink.set_color_rgba8(color.red, color.green, color.blue, opacity.to_u8());
            Some(ink)
        };
        if let Some((ink, rule)) = path.fill().and_then(|fill| Some((ink(fill.paint(), fill.opacity())?, rule(fill)))) {
            self.pixels.fill_path(&bent, &ink, rule, self.scale, None);
        }
        if let Some((ink, stroke)) =
            path.stroke().and_then(|stroke| Some((ink(stroke.paint(), stroke.opacity())?, stroke.to_tiny_skia())))
        {
            self.pixels.stroke_path(&bent, &ink, &stroke, self.scale, None);
        }
    }

    /// The area of a mask's paths.
    fn mask(&self, group: &usvg::Group, outer: Transform, depth: Depth) -> Option<Mask> {
        let mut mask = Mask::new(self.pixels.width(), self.pixels.height())?;
        self.cover(&mut mask, group, outer, depth);
        Some(mask)
    }

    fn cover(&self, mask: &mut Mask, group: &usvg::Group, outer: Transform, depth: Depth) {
        let transform = outer.pre_concat(group.transform());
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => self.cover(mask, inner, transform, depth),
                usvg::Node::Path(path) => {
                    if let (Some(fill), Some(bent)) = (path.fill(), self.bent(path, transform, depth)) {
                        mask.fill_path(&bent, rule(fill), path.rendering_mode().use_shape_antialiasing(), self.scale);
                    }
                }
                usvg::Node::Image(_) | usvg::Node::Text(_) => {}
            }
        }
    }

    /// The outline as it is seen, in the units of the drawing.
    fn bent(&self, path: &usvg::Path, transform: Transform, depth: Depth) -> Option<Path> {
        let whole = path.data().clone().transform(transform)?;
        let mut bent = PathBuilder::new();
        let (mut start, mut last) = (Point::default(), Point::default());
        let part = |a: Point, b: Point, t: f32| Point { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
        for segment in whole.segments() {
            let cubic = match segment {
                PathSegment::MoveTo(to) => {
                    let seen = self.turn.place(depth, to);
                    bent.move_to(seen.x, seen.y);
                    (start, last) = (to, to);
                    continue;
                }
                PathSegment::LineTo(to) => [last, part(last, to, 1. / 3.), part(last, to, 2. / 3.), to],
                PathSegment::QuadTo(by, to) => [last, part(last, by, 2. / 3.), part(to, by, 2. / 3.), to],
                PathSegment::CubicTo(from, by, to) => [last, from, by, to],
                PathSegment::Close if last == start => {
                    bent.close();
                    continue;
                }
                PathSegment::Close => [last, part(last, start, 1. / 3.), part(last, start, 2. / 3.), start],
            };
            for piece in pieces(cubic) {
                let [_, a, b, to] = piece.map(|point| self.turn.place(depth, point));
                bent.cubic_to(a.x, a.y, b.x, b.y, to.x, to.y);
            }
            last = cubic[3];
            if segment == PathSegment::Close {
                bent.close();
            }
        }
        bent.finish()
    }
}

fn rule(fill: &usvg::Fill) -> FillRule {
    match fill.rule() {
        usvg::FillRule::NonZero => FillRule::Winding,
        usvg::FillRule::EvenOdd => FillRule::EvenOdd,
    }
}

/// A cubic Bézier curve in pieces.
fn pieces(points: [Point; 4]) -> impl Iterator<Item = [Point; 4]> {
    let sum = move |weights: [f32; 4]| {
        let of =
            |value: fn(&Point) -> f32| points.iter().zip(weights).map(|(point, weight)| value(point) * weight).sum();
        Point { x: of(|point| point.x), y: of(|point| point.y) }
    };
    let at = move |t: f32| {
        let s = 1. - t;
        sum([s * s * s, 3. * s * s * t, 3. * s * t * t, t * t * t])
    };
    // The derivative, by a third of a piece.
    let step = move |t: f32| {
        let (s, third) = (1. - t, 1. / PIECES as f32);
        sum([-s * s, s * s - 2. * s * t, 2. * s * t - t * t, t * t].map(|weight| weight * third))
    };
    (0..PIECES).map(move |piece| {
        let (from, to) = (piece as f32 / PIECES as f32, (piece + 1) as f32 / PIECES as f32);
        let (a, d, along, back) = (at(from), at(to), step(from), step(to));
        [a, Point { x: a.x + along.x, y: a.y + along.y }, Point { x: d.x - back.x, y: d.y - back.y }, d]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    /// Pieces lie on the curve: the second ends in its middle.
    #[test]
    fn pieces_make_the_curve() {
        let curve = [point(0., 0.), point(0., 8.), point(8., 8.), point(8., 0.)];
        let found: Vec<[Point; 4]> = pieces(curve).collect();
        assert_eq!((found[0][0], found[1][3], found[3][3]), (curve[0], point(4., 6.), curve[3]));
        // Half a curve by de Casteljau, cut again.
        assert_eq!(found[0][1], point(0., 2.));
    }

    /// What is in front moves to the side, what is behind the other way, and no part is folded over itself.
    #[test]
    fn parts_are_shifted_by_their_depth() {
        for degrees in [-30., -10., 20., 30.] {
            let turn = Turn::new(degrees);
            let side = degrees.signum() as f32;
            let shift = |depth, x, y| (turn.place(depth, point(x, y)).x - x) * side;
            let front = DEPTH * (degrees.abs() as f32).to_radians().sin();
            for depth in [Depth::Face, Depth::Head] {
                assert!((shift(depth, AXIS, 400.) - front).abs() < 1e-3, "{degrees}");
            }
            assert!(shift(Depth::Behind, 300., 500.) < 0. && shift(Depth::Still, 300., 500.) == 0.);
            assert!(shift(Depth::Hair, AXIS, 100.) == 0. && shift(Depth::Hair, AXIS, 310.) > 0.9 * front);
            for depth in [Depth::Head, Depth::Hair] {
                let seen: Vec<f32> = (140..630).map(|x| turn.place(depth, point(x as f32, 350.)).x).collect();
                assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{depth:?} {degrees}");
            }
            // The eye on the far side becomes narrower than the one on the near side.
            let eye = |from: f32, to: f32| {
                turn.place(Depth::Face, point(to, 380.)).x - turn.place(Depth::Face, point(from, 380.)).x
            };
            let (left, right) = (eye(274., 334.), eye(434., 494.));
            assert!(if degrees > 0. { right < left } else { left < right }, "{degrees}: {left} {right}");
        }
    }
}
