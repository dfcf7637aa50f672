// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLineEdit>

namespace portolan::ui {

/// A line for a URL that may hold a password. Shown, copied and read aloud is the URL with the password masked; url()
/// is the whole one, until somebody writes another password over the mask.
class UrlLine final : public QLineEdit
{
    Q_OBJECT

public:
    static constexpr int longest = 4096; ///< letters, as the portal takes them

    explicit UrlLine(QWidget *parent = nullptr);
    void setUrl(const QString &url);
    QString url() const { return m_url.trimmed(); }

private:
    void takeEdit();
    void showMasked();

    QString m_url;
    bool m_showing = false;
};

} // namespace portolan::ui
