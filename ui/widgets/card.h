// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>
#include <QVBoxLayout>
#include <QWidget>

namespace portolan::ui {

/// A raised surface with a title that groups what belongs together.
class Card final : public QWidget
{
    Q_OBJECT

public:
    explicit Card(const QString &title = {}, QWidget *parent = nullptr);
    QVBoxLayout *body() { return m_body; }
    QHBoxLayout *head() { return m_head; } ///< the title's line, for what stands at its right
    void setNote(const QString &note);     ///< beside the title, muted

protected:
    void paintEvent(QPaintEvent *event) override;

private:
    QHBoxLayout *m_head;
    QVBoxLayout *m_body;
    QLabel *m_note;
};

/// Text in the colour of labels and ages.
QLabel *mutedLabel(const QString &text = {}, QWidget *parent = nullptr);
QFont scaledFont(const QFont &font, double factor, bool bold = false);

} // namespace portolan::ui
