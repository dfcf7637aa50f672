// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/colours.h"

namespace portolan::ui {

// Text on window and surface has a contrast of at least 7:1, muted and zone colours of at least 4.5:1
// (WCAG 2.1, 1.4.3).
const Colours lightColours{
    .window = QColor(0xf4f5f7),
    .surface = QColor(0xffffff),
    .raised = QColor(0xe9ecf1),
    .border = QColor(0xd8dce3),
    .text = QColor(0x1b2130),
    .muted = QColor(0x5c6577),
    .accent = QColor(0x1f63c6),
    .onAccent = QColor(0xffffff),
    .green = QColor(0x1d7a3e),
    .yellow = QColor(0x9a6200),
    .red = QColor(0xc22a2a),
    .lines = {QColor(0x1f63c6), QColor(0x7a55b8), QColor(0x0f7c86)},
};

const Colours darkColours{
    .window = QColor(0x14171d),
    .surface = QColor(0x1d2129),
    .raised = QColor(0x2a303b),
    .border = QColor(0x343b48),
    .text = QColor(0xe7eaf0),
    .muted = QColor(0x9aa4b5),
    .accent = QColor(0x6ba5f7),
    .onAccent = QColor(0x10151d),
    .green = QColor(0x58c37d),
    .yellow = QColor(0xe5b344),
    .red = QColor(0xf27a74),
    .lines = {QColor(0x6ba5f7), QColor(0xb79be8), QColor(0x56c4cf)},
};

const QColor &Colours::zone(Zone zone) const
{
    switch (zone) {
    case Zone::Green:
        return green;
    case Zone::Yellow:
        return yellow;
    case Zone::Red:
        return red;
    case Zone::Unknown:
        break;
    }
    return muted;
}

bool isDark(const QPalette &palette)
{
    return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

const Colours &coloursOf(const QPalette &palette) { return isDark(palette) ? darkColours : lightColours; }

QColor blend(const QColor &over, const QColor &under, double part)
{
    const auto mix = [part](int a, int b) { return int(a * part + b * (1 - part) + 0.5); };
    return QColor(mix(over.red(), under.red()), mix(over.green(), under.green()), mix(over.blue(), under.blue()));
}

QPalette paletteOf(const Colours &colours)
{
    QPalette palette;
    palette.setColor(QPalette::Window, colours.window);
    palette.setColor(QPalette::WindowText, colours.text);
    palette.setColor(QPalette::Base, colours.surface);
    palette.setColor(QPalette::AlternateBase, blend(colours.raised, colours.surface, 0.4));
    palette.setColor(QPalette::Text, colours.text);
    palette.setColor(QPalette::PlaceholderText, colours.muted);
    palette.setColor(QPalette::Button, colours.surface);
    palette.setColor(QPalette::ButtonText, colours.text);
    palette.setColor(QPalette::BrightText, colours.red);
    palette.setColor(QPalette::ToolTipBase, colours.raised);
    palette.setColor(QPalette::ToolTipText, colours.text);
    palette.setColor(QPalette::Highlight, colours.accent);
    palette.setColor(QPalette::HighlightedText, colours.onAccent);
    palette.setColor(QPalette::Link, colours.accent);
    palette.setColor(QPalette::Light, colours.raised);
    palette.setColor(QPalette::Midlight, colours.border);
    palette.setColor(QPalette::Mid, colours.border);
    palette.setColor(QPalette::Dark, blend(colours.text, colours.border, 0.2));
    palette.setColor(QPalette::Shadow, colours.border);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, blend(colours.muted, colours.window, 0.6));
    palette.setColor(QPalette::Disabled, QPalette::Highlight, colours.border);
    return palette;
}

} // namespace portolan::ui
