#pragma once

#include <QString>

/// The password in a URL ("redis://user:password@host") as people may see it: not at all. It stands from the first ':'
/// of the user-info to the last '@' of the text, because a password may hold what nobody escaped.
namespace portolan::ui {

inline const QString passwordMask = QStringLiteral("•••");

bool hasPassword(const QString &url); ///< one that is not empty

/// "redis://user:•••@host"; without a password the same text.
QString withPasswordMasked(const QString &url);

/// What somebody made of a masked URL, as it is meant: where the mask still stands, it stands for the password of
/// `before`; a mask of which a part is gone stands for none.
QString withPasswordOf(const QString &before, const QString &edited);

} // namespace portolan::ui
