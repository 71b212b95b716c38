/// What the pages have in common: a head that allows no script and loads nothing, and tiles.
enum PageFrame {
  static func head(title: String, softwareVersion: String) -> Markup {
    """
    <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
    style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="generator" content="Wardround \(softwareVersion)" />
    <title>\(title)</title>
    <style>
    \(Markup(unchecked: StyleSheet.text))
    </style>
    </head>
    """
  }

  /// A number in a frame, with its name above and a remark below.
  static func tile(_ name: String, _ value: String, _ range: String) -> Markup {
    """
    <div class="tile"><span class="name">\(name)</span><span class="value">\(value)</span>\
    <span class="range">\(range)</span></div>

    """
  }
}
