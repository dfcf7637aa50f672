// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/url_password.h"

#include <QRegularExpression>
#include <algorithm>
#include <optional>
#include <vector>

namespace portolan::ui {

namespace {

struct Place
{
    qsizetype at;
    qsizetype size;
};

/// Of the user-info. It ends at the last '@' of the text; where there is no colon in it, it is a user's name. A file's
/// path has none, whatever it holds.
std::optional<Place> ofUserInfo(const QString &url)
{
    const qsizetype scheme = url.indexOf("://");
    const qsizetype begin = scheme < 0 ? 0 : scheme + 3;
    const qsizetype end = url.lastIndexOf('@');
    static const QRegularExpression path("^(?:unix|sqlite3?|file):(?!//[^/])",
                                         QRegularExpression::CaseInsensitiveOption);
    if (end < begin || path.match(url).hasMatch() || (scheme >= 0 && QStringView(url).mid(begin).startsWith('/')))
        return std::nullopt;
    const qsizetype colon = url.indexOf(':', begin);
    return colon >= 0 && colon < end ? std::optional(Place{colon + 1, end - colon - 1}) : std::nullopt;
}

/// Where passwords stand, in order: of the user-info, and behind `password=`, as a parameter of a URL or among
/// keywords.
std::vector<Place> passwordsIn(const QString &url)
{
    std::vector<Place> places;
    if (const auto place = ofUserInfo(url))
        places.push_back(*place);
    static const QRegularExpression named(R"((?:password|passwd|pwd|secret|token)\s*=\s*('(?:[^'\\]|\\.)*'?|[^&\s']*))",
                                          QRegularExpression::CaseInsensitiveOption);
    const qsizetype from = places.empty() ? 0 : places[0].at + places[0].size;
    for (auto found = named.globalMatch(url, from); found.hasNext();) {
        const auto match = found.next();
        places.push_back({match.capturedStart(1), match.capturedLength(1)});
    }
    return places;
}

} // namespace

bool hasPassword(const QString &url)
{
    return std::ranges::any_of(passwordsIn(url), [](const Place &place) { return place.size > 0; });
}

QString withPasswordMasked(const QString &url)
{
    QString shown = url;
    const auto places = passwordsIn(url);
    for (auto place = places.rbegin(); place != places.rend(); ++place)
        if (place->size > 0)
            shown.replace(place->at, place->size, passwordMask);
    return shown;
}

QString withPasswordOf(const QString &before, const QString &edited)
{
    const auto kept = passwordsIn(before);
    const auto places = passwordsIn(edited);
    if (places.empty())
        return QString(edited).remove(passwordMask[0]);
    QString meant = edited;
    for (std::size_t i = places.size(); i-- > 0;) {
        QString password = edited.mid(places[i].at, places[i].size);
        const qsizetype mask = password.indexOf(passwordMask);
        if (i < kept.size() && mask >= 0)
            password.replace(mask, passwordMask.size(), before.mid(kept[i].at, kept[i].size));
        else
            password.remove(passwordMask[0]);
        meant.replace(places[i].at, places[i].size, password);
    }
    return meant;
}

} // namespace portolan::ui
