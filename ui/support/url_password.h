// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

/// The passwords in a URL ("redis://user:password@host", "postgresql:///db?password=…"), or in keywords
/// ("host=db password=…"), as people may see them: not at all. Before the host it stands from the first ':' of the
/// user-info to the last '@' of the text, because a password may hold what nobody escaped.
namespace portolan::ui {

inline const QString passwordMask = QStringLiteral("•••");

bool hasPassword(const QString &url); ///< one that is not empty

/// "redis://user:•••@host"; without a password the same text.
QString withPasswordMasked(const QString &url);

/// What somebody made of a masked URL, as it is meant: where the mask still stands, it stands for the password of
/// `before`; a mask of which a part is gone stands for none.
QString withPasswordOf(const QString &before, const QString &edited);

} // namespace portolan::ui
