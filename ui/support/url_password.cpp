#include "ui/support/url_password.h"

#include <optional>

namespace portolan::ui {

namespace {

struct Place
{
    qsizetype at;
    qsizetype size;
};

std::optional<Place> passwordIn(const QString &url)
{
    const qsizetype scheme = url.indexOf("://");
    if (scheme < 0)
        return std::nullopt;
    const qsizetype begin = scheme + 3;
    const qsizetype end = url.lastIndexOf('@');
    const qsizetype colon = url.indexOf(':', begin);
    // sqlite:///path has no user-info, whatever the path holds.
    if (colon < 0 || end < colon || url.mid(begin).startsWith('/'))
        return std::nullopt;
    return Place{colon + 1, end - colon - 1};
}

} // namespace

bool hasPassword(const QString &url)
{
    const auto place = passwordIn(url);
    return place && place->size > 0;
}

QString withPasswordMasked(const QString &url)
{
    return hasPassword(url) ? QString(url).replace(passwordIn(url)->at, passwordIn(url)->size, passwordMask) : url;
}

QString withPasswordOf(const QString &before, const QString &edited)
{
    const auto place = passwordIn(edited);
    if (!place)
        return QString(edited).remove(passwordMask[0]);
    const auto kept = passwordIn(before);
    QString password = edited.mid(place->at, place->size);
    const qsizetype mask = password.indexOf(passwordMask);
    if (kept && mask >= 0)
        password.replace(mask, passwordMask.size(), before.mid(kept->at, kept->size));
    else
        password.remove(passwordMask[0]);
    return QString(edited).replace(place->at, place->size, password);
}

} // namespace portolan::ui
