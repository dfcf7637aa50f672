// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/text.h"

#include <QString>
#include <algorithm>

namespace portolan::storage {

std::string fitText(std::string_view text, std::size_t bytes)
{
    const auto cut = std::min(text.size(), bytes);
    QString clean = QString::fromUtf8(text.data(), static_cast<qsizetype>(cut));
    for (QChar &c : clean)
        if (c.category() == QChar::Other_Control)
            c = u' ';
    if (cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
        while (clean.endsWith(QChar::ReplacementCharacter)) // the half of a character at the cut
            clean.chop(1);
    std::string fitted = clean.toStdString();
    while (fitted.size() > bytes) { // replacement characters are longer than what they replace
        clean.chop(clean.back().isLowSurrogate() ? 2 : 1);
        fitted = clean.toStdString();
    }
    return fitted;
}

} // namespace portolan::storage
