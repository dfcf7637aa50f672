// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/confirm_dialog.h"

#include "ui/support/action_button.h"
#include "ui/support/format.h"
#include "ui/support/work_area.h"
#include "ui/widgets/card.h"
#include "ui/words/fact_words.h"

#include <QApplication>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QListWidget>
#include <algorithm>

namespace portolan::ui {

namespace {

constexpr int mostEms = 50; ///< as wide as a key makes it

bool isTold(std::uint64_t count, const std::vector<Fact> &facts)
{
    return std::ranges::any_of(facts, [count](const Fact &fact) {
        return fact.count == count || std::ranges::find(fact.amounts, count, &Amount::count) != fact.amounts.end();
    });
}

bool tellsSize(const Fact &fact) { return fact.bytes.has_value(); }

} // namespace

ConfirmDialog::ConfirmDialog(const Confirmation &confirmation, QWidget *parent)
    : QDialog(parent), m_reason(new QLineEdit), m_yes(new QPushButton(confirmation.verb))
{
    setWindowTitle(tr("Confirm")); // the question stands once, in the dialog
    setMinimumWidth(fontMetrics().height() * 26);
    auto *layout = new QVBoxLayout(this);
    layout->setSpacing(10);
    auto *title = new QLabel(confirmation.title);
    title->setFont(scaledFont(font(), 1.25, true));
    title->setWordWrap(true);
    title->setTextFormat(Qt::PlainText);
    layout->addWidget(title);
    layout->addWidget(mutedLabel(tr("On %1").arg(confirmation.deployment)));
    addPreview(*layout, confirmation.preview);

    auto *form = new QFormLayout;
    m_reason->setAccessibleName(tr("Reason"));
    m_reason->setPlaceholderText(tr("for the audit log; may stay empty"));
    m_reason->setMaxLength(500);
    form->addRow(tr("&Reason"), m_reason);
    if (!confirmation.typed.isEmpty()) {
        m_typed = new QLineEdit;
        m_typed->setAccessibleName(tr("Name of the deployment"));
        m_typed->setPlaceholderText(confirmation.typed);
        form->addRow(tr("&Type its name"), m_typed);
        m_yes->setEnabled(false);
        connect(m_typed, &QLineEdit::textChanged, this,
                [this, wanted = confirmation.typed](const QString &typed) { m_yes->setEnabled(typed == wanted); });
    }
    layout->addLayout(form);

    auto *buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    // Some platforms name or place buttons by their role: what loses something must not look like an OK.
    buttons->addButton(m_yes,
                       confirmation.destructive ? QDialogButtonBox::DestructiveRole : QDialogButtonBox::AcceptRole);
    if (confirmation.destructive)
        makeDestructive(*m_yes);
    layout->addWidget(buttons);
    connect(m_yes, &QPushButton::clicked, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    // Enter must not destroy anything by habit.
    auto *no = buttons->button(QDialogButtonBox::Cancel);
    m_yes->setAutoDefault(false);
    no->setDefault(true);
    no->setFocus();
    setAccessibleName(confirmation.title);
    WorkArea::keep(*this);
}

void ConfirmDialog::addPreview(QVBoxLayout &layout, const ActionPreview &preview)
{
    auto *summary = new QLabel(previewText(preview));
    summary->setWordWrap(true);
    summary->setTextFormat(Qt::PlainText);
    layout.addWidget(summary);
    // What the sentence has said already is not said again.
    QStringList amounts;
    if (const auto count = preview.count.value_or(0); count > 0 && !isTold(count, preview.facts))
        amounts << tr("%1 affected").arg(countText(preview.count));
    if (preview.bytes.value_or(0) > 0 && std::ranges::none_of(preview.facts, &tellsSize))
        amounts << sizeText(preview.bytes);
    if (!amounts.isEmpty())
        layout.addWidget(mutedLabel(amounts.join("  ·  ")));
    if (preview.sample.empty())
        return;
    auto *sample = new QListWidget;
    sample->setAccessibleName(tr("What it touches, for example"));
    sample->setSelectionMode(QAbstractItemView::NoSelection);
    sample->setTextElideMode(Qt::ElideMiddle);
    int widest = 0;
    for (const Touched &one : preview.sample) {
        const QString row = touchedText(one);
        sample->addItem(row);
        sample->item(sample->count() - 1)->setToolTip(row); // whole, where it is cut all the same
        widest = std::max(widest, sample->fontMetrics().horizontalAdvance(row));
    }
    sample->setMinimumWidth(std::min(widest + fontMetrics().height() * 3, fontMetrics().height() * mostEms));
    const int line = fontMetrics().height() + 6;
    const int rows = std::min<int>(int(preview.sample.size()), 6);
    sample->setMinimumHeight(std::min(rows, 2) * line + 8); // a small screen shows fewer at once
    sample->setMaximumHeight(rows * line + 8);
    sample->setFocusPolicy(Qt::TabFocus);
    layout.addWidget(sample);
}

std::string ConfirmDialog::reason() const { return m_reason->text().trimmed().toStdString(); }

void DialogConfirmer::ask(const Confirmation &confirmation, std::function<void(std::optional<std::string>)> answer)
{
    auto *dialog = new ConfirmDialog(confirmation, m_owner ? m_owner.data() : QApplication::activeWindow());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    QObject::connect(dialog, &QDialog::finished, dialog, [dialog, answer = std::move(answer)](int result) {
        answer(result == QDialog::Accepted ? std::optional(dialog->reason()) : std::nullopt);
    });
    dialog->open();
}

} // namespace portolan::ui
